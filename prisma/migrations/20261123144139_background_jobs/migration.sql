-- The jobs' table may have come with inbound_complete already: then this leaves it as it is.
DO $$ BEGIN
  CREATE TYPE "background_job_status" AS ENUM ('queued', 'running', 'succeeded', 'failed', 'cancelled');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

-- CreateTable
CREATE TABLE IF NOT EXISTS "background_jobs" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "status" "background_job_status" NOT NULL DEFAULT 'queued',
    "parameters" JSONB NOT NULL,
    "total" INTEGER,
    "done" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "cursor" TEXT,
    "error" TEXT,
    "result" JSONB,
    "created_by" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "background_jobs_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX IF NOT EXISTS "background_jobs_tenant_id_id_idx" ON "background_jobs"("tenant_id", "id");
CREATE INDEX IF NOT EXISTS "background_jobs_due_at_open_idx" ON "background_jobs" ("due_at") WHERE "status" IN ('queued', 'running');

-- AlterTable
ALTER TABLE "events" ADD COLUMN     "audience" TEXT;

-- CreateIndex
CREATE INDEX "delivery_stats_tenant_id_hour_idx" ON "delivery_stats"("tenant_id", "hour");
