CREATE OR REPLACE FUNCTION record.subject_no(wanted text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
DECLARE
    known bigint;
BEGIN
    SELECT no INTO known FROM subjects WHERE subject = wanted;
    IF NOT FOUND THEN
        INSERT INTO subjects (subject) VALUES (wanted) RETURNING no INTO known;
    END IF;
    RETURN known;
END $$;
COMMENT ON FUNCTION record.subject_no IS 'Return the number of a bed or person, giving it one.';
REVOKE ALL ON FUNCTION record.subject_no(text) FROM PUBLIC;
