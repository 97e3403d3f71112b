-- As 0002 does, for the tables that have come since.
DO $$
DECLARE
    field RECORD;
BEGIN
    FOR field IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE TEXT COLLATE "C"', field.table_name, field.column_name);
    END LOOP;
END $$;
