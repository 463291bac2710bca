-- AlterTable
ALTER TABLE "events" ADD COLUMN     "audience" TEXT;

-- CreateIndex
CREATE INDEX "delivery_stats_tenant_id_hour_idx" ON "delivery_stats"("tenant_id", "hour");
