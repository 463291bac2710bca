-- CreateTable
CREATE TABLE "contact_erasures" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "actor_id" TEXT,
    "job_id" UUID NOT NULL,
    "person" BYTEA,
    "requested_at" TIMESTAMPTZ(3) NOT NULL,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "contact_erasures_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "erasure_requests" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "erasure_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "person" BYTEA,
    "attempt_count" SMALLINT NOT NULL DEFAULT 0,
    "error" TEXT,
    "due_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "erasure_requests_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "contact_imports" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "job_id" UUID,
    "format" TEXT NOT NULL,
    "dry_run" BOOLEAN NOT NULL,
    "silent" BOOLEAN NOT NULL,
    "match_by" TEXT NOT NULL,
    "on_match" TEXT NOT NULL,
    "columns" JSONB NOT NULL DEFAULT '{}',
    "ignored_columns" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "rows" INTEGER NOT NULL DEFAULT 0,
    "created" INTEGER NOT NULL DEFAULT 0,
    "updated" INTEGER NOT NULL DEFAULT 0,
    "unchanged" INTEGER NOT NULL DEFAULT 0,
    "skipped" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "actor_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "contact_imports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "contact_import_rows" (
    "tenant_id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "line" INTEGER NOT NULL,
    "match_key" TEXT NOT NULL,
    "contact" JSONB NOT NULL,

    CONSTRAINT "contact_import_rows_pkey" PRIMARY KEY ("tenant_id","import_id","match_key","line")
);

-- CreateTable
CREATE TABLE "contact_import_errors" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "line" INTEGER NOT NULL,
    "field" TEXT NOT NULL,
    "message" TEXT NOT NULL,

    CONSTRAINT "contact_import_errors_pkey" PRIMARY KEY ("tenant_id","import_id","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "contact_erasures_tenant_id_contact_id_key" ON "contact_erasures"("tenant_id", "contact_id");

-- CreateIndex
CREATE INDEX "erasure_requests_tenant_id_erasure_id_idx" ON "erasure_requests"("tenant_id", "erasure_id");

-- CreateIndex
CREATE INDEX "contact_imports_tenant_id_id_idx" ON "contact_imports"("tenant_id", "id");

-- AddForeignKey
ALTER TABLE "erasure_requests" ADD CONSTRAINT "erasure_requests_erasure_id_fkey" FOREIGN KEY ("erasure_id") REFERENCES "contact_erasures"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's schema cannot say:

-- Who tells the providers looks at nothing but this.
CREATE INDEX "erasure_requests_due_at_pending_idx" ON "erasure_requests" ("due_at") WHERE "status" = 'pending';
