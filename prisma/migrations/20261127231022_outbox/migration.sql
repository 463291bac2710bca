-- CreateTable
CREATE TABLE "posthaste_outbox" (
    "id" UUID NOT NULL DEFAULT uuid_v7(),
    "position" BIGSERIAL NOT NULL,
    "tenant" TEXT NOT NULL,
    "tenant_id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "metadata" JSONB,
    "channel" TEXT,
    "ordering_key" TEXT,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "refused_at" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "error" TEXT,

    CONSTRAINT "posthaste_outbox_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "posthaste_outbox_tenant_id_id_idx" ON "posthaste_outbox"("tenant_id", "id");

-- What Prisma's schema cannot say:

-- The drain looks at nothing but these; refused rows are in neither.
CREATE INDEX "posthaste_outbox_pending_idx" ON "posthaste_outbox" ("position") WHERE "refused_at" IS NULL;
CREATE INDEX "posthaste_outbox_ordered_idx" ON "posthaste_outbox" ("tenant_id", "ordering_key", "position")
  WHERE "refused_at" IS NULL AND "ordering_key" IS NOT NULL;

-- A time that no event could show; everything else is checked when the row becomes an event.
ALTER TABLE "posthaste_outbox" ADD CONSTRAINT "posthaste_outbox_occurred_at_check"
  CHECK ("occurred_at" >= '0001-01-02 00:00:00+00' AND "occurred_at" < '9999-12-31 00:00:00+00');

-- An unknown tenant is the one mistake that fails in the host's own transaction: no tenant could be shown such a row.
-- SECURITY DEFINER: the role of a host may write here without being able to read the tenants.
CREATE FUNCTION "posthaste_outbox_address"() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  NEW.tenant_id := NULL;
  IF NEW.tenant ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    SELECT t.id INTO NEW.tenant_id FROM tenants t WHERE t.id = NEW.tenant::uuid;
  END IF;
  IF NEW.tenant_id IS NULL THEN
    SELECT t.id INTO NEW.tenant_id FROM tenants t WHERE t.slug = NEW.tenant;
  END IF;
  IF NEW.tenant_id IS NULL THEN
    RAISE EXCEPTION 'Posthaste has no tenant "%": give the id or the slug of one', NEW.tenant USING ERRCODE = 'foreign_key_violation';
  END IF;
  NEW.refused_at := NULL;
  NEW.error_code := NULL;
  NEW.error := NULL;
  RETURN NEW;
END
$$;

CREATE TRIGGER "posthaste_outbox_address" BEFORE INSERT ON "posthaste_outbox"
  FOR EACH ROW EXECUTE FUNCTION "posthaste_outbox_address"();

-- "This happened", said inside the transaction in which it happens. Whoever may EXECUTE it needs no other right.
CREATE FUNCTION "posthaste_emit"(
  "tenant" text,
  "type" text,
  "data" jsonb,
  "ordering_key" text DEFAULT NULL,
  "channel" text DEFAULT NULL,
  "metadata" jsonb DEFAULT NULL,
  "occurred_at" timestamptz DEFAULT NULL
) RETURNS uuid
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO posthaste_outbox (tenant, type, data, ordering_key, channel, metadata, occurred_at)
  VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now()))
  RETURNING id
$$;

REVOKE ALL ON FUNCTION "posthaste_emit" FROM PUBLIC;
