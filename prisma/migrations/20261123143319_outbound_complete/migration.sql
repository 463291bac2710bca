-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "asymmetric" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "auth" BYTEA,
ADD COLUMN     "channels" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "expires_at" TIMESTAMPTZ(3),
ADD COLUMN     "fields" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "filter" JSONB,
ADD COLUMN     "headers" BYTEA,
ADD COLUMN     "ordered" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "rate_per_second" INTEGER;

-- AlterTable
ALTER TABLE "deliveries" ADD COLUMN     "sequence_key" TEXT;

-- DropTable
DROP TABLE "subscription_counters";

-- CreateTable
CREATE TABLE "subscription_health" (
    "subscription_id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "success_count" BIGINT NOT NULL DEFAULT 0,
    "failed_count" BIGINT NOT NULL DEFAULT 0,
    "last_delivery_status" TEXT,
    "last_delivery_at" TIMESTAMPTZ(3),
    "last_success_at" TIMESTAMPTZ(3),
    "consecutive_failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "paused_until" TIMESTAMPTZ(3),
    "paused_reason" TEXT,
    "held_since" TIMESTAMPTZ(3),
    "rate_next_at" TIMESTAMPTZ(3),

    CONSTRAINT "subscription_health_pkey" PRIMARY KEY ("subscription_id")
);

-- CreateTable
CREATE TABLE "delivery_stats" (
    "tenant_id" UUID NOT NULL,
    "subscription_id" UUID NOT NULL,
    "event_type" TEXT NOT NULL,
    "hour" TIMESTAMPTZ(0) NOT NULL,
    "outcome" TEXT NOT NULL,
    "bucket" SMALLINT NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "delivery_stats_pkey" PRIMARY KEY ("tenant_id","subscription_id","hour","event_type","outcome","bucket")
);

-- CreateTable
CREATE TABLE "signing_keys" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "private_key" BYTEA NOT NULL,
    "public_key" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "signing_keys_tenant_id_idx" ON "signing_keys"("tenant_id");

-- What Prisma's schema cannot say: what an ordered subscription still has to send, in order. Others pay nothing for it.
CREATE INDEX "deliveries_sequence_pending_idx" ON "deliveries" ("subscription_id", "sequence_key", "event_id")
  WHERE "status" = 'pending' AND "sequence_key" IS NOT NULL;
