-- CreateTable
CREATE TABLE "connections" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "provider" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "base_url" TEXT,
    "credentials" BYTEA NOT NULL,
    "settings" JSONB NOT NULL DEFAULT '{}',
    "sealed_settings" BYTEA,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "connections_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connection_webhooks" (
    "connection_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "external_id" TEXT,
    "url" TEXT NOT NULL,
    "events" TEXT[],
    "registered_at" TIMESTAMPTZ(3),
    "busy_until" TIMESTAMPTZ(3),

    CONSTRAINT "connection_webhooks_pkey" PRIMARY KEY ("connection_id")
);

-- CreateIndex
CREATE INDEX "connections_tenant_id_id_idx" ON "connections"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "connections_tenant_id_provider_id_idx" ON "connections"("tenant_id", "provider", "id");

-- CreateIndex
CREATE INDEX "connection_webhooks_tenant_id_source_id_idx" ON "connection_webhooks"("tenant_id", "source_id");

-- AddForeignKey
ALTER TABLE "connection_webhooks" ADD CONSTRAINT "connection_webhooks_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;
