-- Parked: pending without a due time. Rows of an endpoint that is left alone or switched off, and rows beyond what a worker has
-- room for, wait here; whoever has room takes them by subscription. Rows that never wait are never in it.
CREATE INDEX "deliveries_parked_idx" ON "deliveries" ("subscription_id", "id") WHERE "status" = 'pending' AND "due_at" IS NULL;
