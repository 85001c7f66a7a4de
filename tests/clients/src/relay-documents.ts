// Read by relay-compiler, which makes src/made/relay of it; never run.
import { graphql } from "relay-runtime";

void graphql`
  query relayDocumentsWardsQuery {
    wards {
      name
    }
  }
`;

void graphql`
  query relayDocumentsPatientQuery($mrn: String!) {
    patient(mrn: $mrn) {
      id
      familyName
    }
  }
`;

void graphql`
  query relayDocumentsByNothingQuery @throwOnFieldError {
    patient {
      mrn
    }
  }
`;

void graphql`
  mutation relayDocumentsRegisterMutation($input: RegisterPatientInput!) {
    registerPatient(input: $input) {
      __typename
      ... on PatientRecorded {
        position
        patient {
          id
          mrn
        }
      }
      ... on Refusal {
        code
        path
      }
    }
  }
`;

// The connection is merged in Relay's store; the query for another page is made by the compiler.
void graphql`
  fragment relayDocuments_patients on Query
  @refetchable(queryName: "relayDocumentsPageQuery")
  @argumentDefinitions(
    search: { type: "String" }
    first: { type: "Int", defaultValue: 2 }
    after: { type: "String" }
  ) {
    patients(search: $search, first: $first, after: $after)
      @connection(key: "relayDocuments_patients", filters: ["search"]) {
      edges {
        node {
          id
          mrn
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

// Refetched by node(id:), which the compiler writes since Patient is a Node.
void graphql`
  fragment relayDocuments_patient on Patient @refetchable(queryName: "relayDocumentsAgainQuery") {
    mrn
    familyName
  }
`;

void graphql`
  subscription relayDocumentsRegisteredSubscription($after: Position!) {
    events(after: $after, kinds: [PATIENT_REGISTERED]) {
      id
      data
    }
  }
`;
