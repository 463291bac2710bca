-- Parked: pending without a due time. Rows of an endpoint that is left alone or switched off, and rows beyond what a worker has
-- room for, wait here; whoever has room takes them by subscription. Rows that never wait are never in it.
CREATE INDEX "deliveries_parked_idx" ON "deliveries" ("subscription_id", "id") WHERE "status" = 'pending' AND "due_at" IS NULL;

-- What went wrong is looked for among what went well: a page of it must not read a million rows to find fifty.
CREATE INDEX "deliveries_unsuccessful_idx" ON "deliveries" ("tenant_id", "id") WHERE "status" IN ('failed', 'cancelled');
