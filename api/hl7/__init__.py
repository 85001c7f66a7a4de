"""HL7 v2 messages from other systems, over MLLP."""
