-- CreateEnum
CREATE TYPE "automation_task_status" AS ENUM ('pending', 'done', 'skipped', 'failed');

-- CreateTable
CREATE TABLE "automation_tasks" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "status" "automation_task_status" NOT NULL DEFAULT 'pending',
    "due_at" TIMESTAMPTZ(3),
    "attempt_count" SMALLINT NOT NULL DEFAULT 0,
    "error_message" TEXT,
    "result" JSONB,
    "inbound_event_id" UUID,
    "hops" SMALLINT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "automation_tasks_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "external_identities" (
    "tenant_id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "own_id" UUID NOT NULL,
    "content_hash" TEXT,
    "seen_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "external_identities_pkey" PRIMARY KEY ("tenant_id","provider","kind","external_id")
);

-- CreateTable
CREATE TABLE "stage_automations" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "stage" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "template_name" TEXT,
    "tag" TEXT,
    "event_type" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "stage_automations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "message_templates" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "message_templates_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reconciliations" (
    "connection_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "job_id" UUID,
    "finished_at" TIMESTAMPTZ(3),
    "position" TEXT,

    CONSTRAINT "reconciliations_pkey" PRIMARY KEY ("connection_id")
);

-- CreateIndex
CREATE INDEX "automation_tasks_tenant_id_subject_id_idx" ON "automation_tasks"("tenant_id", "subject", "id");

-- CreateIndex
CREATE UNIQUE INDEX "automation_tasks_tenant_id_key_key" ON "automation_tasks"("tenant_id", "key");

-- CreateIndex
CREATE INDEX "external_identities_tenant_id_own_id_idx" ON "external_identities"("tenant_id", "own_id");

-- CreateIndex
CREATE INDEX "stage_automations_tenant_id_id_idx" ON "stage_automations"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "stage_automations_tenant_id_stage_key" ON "stage_automations"("tenant_id", "stage");

-- CreateIndex
CREATE INDEX "message_templates_tenant_id_id_idx" ON "message_templates"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "message_templates_tenant_id_name_language_key" ON "message_templates"("tenant_id", "name", "language");

-- CreateIndex
CREATE INDEX "reconciliations_tenant_id_idx" ON "reconciliations"("tenant_id");

-- AddForeignKey
ALTER TABLE "reconciliations" ADD CONSTRAINT "reconciliations_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Tasks that are due, for the due relay; and those of a subject that are not finished, which later ones wait for.
CREATE INDEX "automation_tasks_due_at_pending" ON "automation_tasks" ("due_at") WHERE "status" = 'pending';
CREATE INDEX "automation_tasks_subject_pending" ON "automation_tasks" ("tenant_id", "subject", "id") WHERE "status" = 'pending';

-- The next comparisons of connections with their providers.
CREATE INDEX "reconciliations_due_at" ON "reconciliations" ("due_at") WHERE "due_at" IS NOT NULL;
