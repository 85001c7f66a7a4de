CREATE OR REPLACE FUNCTION record.update_claims(cmd jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Replaces the claims of a command's stays, gives up the unique claims that it releases, adds its own.
-- No claims are joined: a plan that was made of an empty table would go through all of them.
BEGIN
    IF EXISTS (
        SELECT FROM person_claims
        WHERE person = ANY (ARRAY(SELECT jsonb_array_elements_text(cmd->'persons_read')::uuid))
            AND NOT cmd->'stays_read' ? stay::text
    ) THEN -- a new stay has no version that the command could have read
        RAISE EXCEPTION 'a person has another stay than those read'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'all_stays_of_a_person';
    END IF;
    IF cmd ? 'restated' THEN
        DELETE FROM bed_claims
            WHERE stay = ANY (ARRAY(SELECT jsonb_array_elements_text(cmd->'restated')::uuid));
        DELETE FROM person_claims
            WHERE stay = ANY (ARRAY(SELECT jsonb_array_elements_text(cmd->'restated')::uuid));
        INSERT INTO bed_claims
        SELECT subject_no('bed ' || b.room || ' ' || b.bed), b.room, b.bed, b.stay,
               tstzrange(b.since, b.until, CASE WHEN b.since = b.until THEN '[]' ELSE '[)' END),
               b.kept, b.shares_bed_of
        FROM jsonb_to_recordset(cmd->'beds') AS b (room uuid, bed text, stay uuid,
            since timestamptz, until timestamptz, kept boolean, shares_bed_of uuid);
        IF gives_bed_twice(cmd->'beds') THEN -- what the exclusion constraint leaves out
            RAISE EXCEPTION 'a bed is given twice'
                USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'one_stay_per_bed';
        END IF;
        INSERT INTO person_claims
        SELECT subject_no('person ' || p.person), p.person, p.stay, tstzrange(p.since, p.until)
        FROM jsonb_to_recordset(cmd->'persons') AS p (person uuid, stay uuid,
            since timestamptz, until timestamptz);
    END IF;
    DELETE FROM unique_claims WHERE ctid = ANY (ARRAY(
        SELECT c.ctid FROM jsonb_to_recordset(cmd->'released') AS u (kind text, key text), LATERAL
            (SELECT ctid FROM unique_claims WHERE kind = u.kind AND key = u.key OFFSET 0) AS c
    ));
    DELETE FROM unique_claims WHERE ctid = ANY (ARRAY(
        SELECT c.ctid
        FROM jsonb_to_recordset(cmd->'unique') AS u (kind text, owner uuid, replaces boolean),
            LATERAL (SELECT ctid, kind FROM unique_claims WHERE owner = u.owner OFFSET 0) AS c
        WHERE u.replaces AND c.kind IN (u.kind, u.kind || ' as stored')
    ));
    INSERT INTO unique_claims
    SELECT u.kind, u.key, u.owner
    FROM jsonb_to_recordset(cmd->'unique') AS u (kind text, key text, owner uuid);
END $$;
REVOKE ALL ON FUNCTION record.update_claims(jsonb) FROM PUBLIC;
