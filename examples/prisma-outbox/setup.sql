-- As an administrator of the database, once. A real host has its tables in its own migrations; what it needs of Posthaste are the grants.
CREATE SCHEMA IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.bookings (
  id uuid PRIMARY KEY,
  guest text NOT NULL,
  start_time timestamptz(3) NOT NULL
);

DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'shop') THEN
    CREATE ROLE shop LOGIN PASSWORD 'shop';
  END IF;
END $$;
GRANT USAGE ON SCHEMA shop, public TO shop;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO shop;

-- To call the function: this alone. The role sees nothing of Posthaste's.
GRANT EXECUTE ON FUNCTION public.posthaste_emit TO shop;

-- To write rows with a Prisma model instead.
GRANT INSERT (tenant, type, data, metadata, channel, ordering_key, occurred_at), SELECT (id) ON public.posthaste_outbox TO shop;
GRANT USAGE ON SEQUENCE public.posthaste_outbox_position_seq TO shop;
