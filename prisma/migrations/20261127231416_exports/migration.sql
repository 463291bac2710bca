-- CreateEnum
CREATE TYPE "export_status" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'aborted', 'interrupted', 'expired');

-- CreateTable
CREATE TABLE "exports" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "resource" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "fields" TEXT[],
    "filters" JSONB NOT NULL,
    "status" "export_status" NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "actor_name" TEXT NOT NULL,
    "admin_id" TEXT,
    "ip" TEXT,
    "request_id" TEXT,
    "row_count" INTEGER NOT NULL DEFAULT 0,
    "byte_count" BIGINT NOT NULL DEFAULT 0,
    "sha256" BYTEA,
    "error" TEXT,
    "total" INTEGER,
    "cursor" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "job_id" UUID,
    "has_file" BOOLEAN NOT NULL DEFAULT false,
    "alive_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "exports_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "export_chunks" (
    "tenant_id" UUID NOT NULL,
    "export_id" UUID NOT NULL,
    "start" BIGINT NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "export_chunks_pkey" PRIMARY KEY ("tenant_id","export_id","start")
);

-- What the sweeper looks for: exports whose process died, and files that are no longer needed.
CREATE INDEX "exports_alive_until_idx" ON "exports" ("alive_until") WHERE "status" IN ('queued', 'running');
CREATE INDEX "exports_expires_at_idx" ON "exports" ("expires_at") WHERE "has_file";

-- Exports are a record of what left: who, what and when never change, and what has ended stays as it is.
CREATE FUNCTION "exports_stay_true"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'exports are a record: they are not deleted';
  END IF;
  IF (OLD.id, OLD.tenant_id, OLD.kind, OLD.resource, OLD.format, OLD.fields, OLD.filters, OLD.actor_kind, OLD.actor_id, OLD.actor_name,
      OLD.admin_id, OLD.ip, OLD.request_id, OLD.created_at)
     IS DISTINCT FROM
     (NEW.id, NEW.tenant_id, NEW.kind, NEW.resource, NEW.format, NEW.fields, NEW.filters, NEW.actor_kind, NEW.actor_id, NEW.actor_name,
      NEW.admin_id, NEW.ip, NEW.request_id, NEW.created_at) THEN
    RAISE EXCEPTION 'exports are a record: who exported what and when does not change';
  END IF;
  IF OLD.finished_at IS NOT NULL AND (
     (OLD.row_count, OLD.byte_count, OLD.sha256, OLD.error, OLD.finished_at)
     IS DISTINCT FROM (NEW.row_count, NEW.byte_count, NEW.sha256, NEW.error, NEW.finished_at)
     OR (OLD.status <> NEW.status AND NOT (OLD.status = 'succeeded' AND NEW.status = 'expired'))) THEN
    RAISE EXCEPTION 'exports are a record: what became of one does not change';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER "exports_stay_true" BEFORE UPDATE OR DELETE ON "exports" FOR EACH ROW EXECUTE FUNCTION "exports_stay_true"();

-- "View Export Logs" of the FlowKick guide. Its admin is whoever X-Admin-ID named, else the holder of the credential.
CREATE VIEW "DataExport" AS
  SELECT "id", "tenant_id" AS "tenantId", coalesce("admin_id", "actor_id") AS "adminId", "actor_kind" AS "actorKind",
         "actor_id" AS "actorId", "actor_name" AS "actorName", "resource", "format", "fields", "filters", "status"::text AS "status",
         "row_count" AS "rowCount", "byte_count" AS "byteCount", encode("sha256", 'hex') AS "fileHash", "error",
         "created_at" AS "createdAt", "finished_at" AS "finishedAt"
  FROM "exports";

-- "Webhook Delivery Statistics" of the FlowKick guide. It writes most names without quotes, which Postgres reads in lower case, and
-- asks by an admin: each member and key of the tenant sees all of its webhooks, by any name that X-Admin-ID takes.
CREATE VIEW "WebhookSubscription" AS
  SELECT s."id", s."tenant_id" AS "tenantId", a."admin" AS "adminId", s."name", s."url", s."event_types" AS "events",
         s."enabled" AS "active", coalesce(h."success_count", 0) AS successcount, coalesce(h."failed_count", 0) AS failedcount,
         h."last_delivery_status" AS lastdeliverystatus, h."last_delivery_at" AS lastdeliveryat, s."created_at" AS "createdAt",
         s."updated_at" AS "updatedAt"
  FROM "subscriptions" s
  JOIN (
    SELECT "tenant_id", "id"::text AS "admin" FROM "members"
    UNION ALL SELECT "tenant_id", "email" FROM "members"
    UNION ALL SELECT "tenant_id", "id"::text FROM "api_keys"
    UNION ALL SELECT "tenant_id", "public_id" FROM "api_keys"
  ) a ON a."tenant_id" = s."tenant_id"
  LEFT JOIN "subscription_health" h ON h."subscription_id" = s."id";
