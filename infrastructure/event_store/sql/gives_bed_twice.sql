CREATE OR REPLACE FUNCTION record.gives_bed_twice(beds jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = record, pg_catalog, pg_temp AS $$
-- Tells whether a claim that begins, or one beside it, has no duration and lies inside the other: one
-- of no duration may touch others, which no exclusion constraint can say.
BEGIN
    RETURN EXISTS (
        WITH begun AS MATERIALIZED (
            SELECT * FROM jsonb_to_recordset(beds) AS b (room uuid, bed text, stay uuid,
                since timestamptz, until timestamptz, shares_bed_of uuid, begun boolean)
            WHERE b.begun
        ), beside AS (
            SELECT b.*, c.during, c.stay AS other, c.shares_bed_of AS other_shares
            FROM begun b, LATERAL (SELECT * FROM bed_claims
                WHERE room = b.room AND bed = b.bed AND upper_inc(during) OFFSET 0) AS c
            UNION ALL
            SELECT b.*, c.during, c.stay, c.shares_bed_of
            FROM begun b, LATERAL (SELECT * FROM bed_claims
                WHERE room = b.room AND bed = b.bed OFFSET 0) AS c
            WHERE b.since = b.until
        )
        SELECT FROM beside
        WHERE stay <> other
            AND since < coalesce(upper(during), 'infinity')
            AND lower(during) < coalesce(until, 'infinity')
            AND shares_bed_of IS DISTINCT FROM other
            AND other_shares IS DISTINCT FROM stay
            AND (shares_bed_of IS NULL OR shares_bed_of IS DISTINCT FROM other_shares)
    );
END $$;
REVOKE ALL ON FUNCTION record.gives_bed_twice(jsonb) FROM PUBLIC;
