-- DropIndex
DROP INDEX "contacts_tenant_id_first_name_id_idx";

-- DropIndex
DROP INDEX "contacts_tenant_id_last_name_id_idx";

-- CreateTable
CREATE TABLE "contact_counts" (
    "id" BIGSERIAL NOT NULL,
    "tenant_id" UUID NOT NULL,
    "facet" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "delta" BIGINT NOT NULL,

    CONSTRAINT "contact_counts_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "contact_counts_tenant_id_facet_key_idx" ON "contact_counts"("tenant_id", "facet", "key");

-- Orders by name: contacts without one come last. An expression, so that a page can begin behind any contact, named or not.
CREATE INDEX "contacts_first_name_order_idx" ON "contacts" ("tenant_id", ("first_name" is null), coalesce("first_name", ''), "id");
CREATE INDEX "contacts_last_name_order_idx" ON "contacts" ("tenant_id", ("last_name" is null), coalesce("last_name", ''), "id");

-- Few of many: contacts that opted in, or agreed to be exported.
CREATE INDEX "contacts_opt_in_messenger_idx" ON "contacts" ("tenant_id", "created_at", "id") WHERE "opt_in_messenger";
CREATE INDEX "contacts_opt_in_instagram_idx" ON "contacts" ("tenant_id", "created_at", "id") WHERE "opt_in_instagram";
CREATE INDEX "contacts_opt_in_whatsapp_idx" ON "contacts" ("tenant_id", "created_at", "id") WHERE "opt_in_whatsapp";
CREATE INDEX "contacts_opt_in_telegram_idx" ON "contacts" ("tenant_id", "created_at", "id") WHERE "opt_in_telegram";
CREATE INDEX "contacts_export_consent_idx" ON "contacts" ("tenant_id", "created_at", "id") WHERE "export_consent_given";

-- What waits in a GIN index's pending list is read row by row by every search.
ALTER INDEX "contacts_search_idx" SET (fastupdate = off);
ALTER INDEX "contacts_custom_fields_idx" SET (fastupdate = off);

-- Counts of contacts (docs/adr/0017): differences are appended, so that two writers never wait for each other, and added up by readers.
CREATE FUNCTION "fold_contact_counts"(tenant uuid) RETURNS void LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM contact_counts WHERE id IN (
      SELECT id FROM contact_counts WHERE tenant_id = tenant ORDER BY id LIMIT 20000 FOR UPDATE SKIP LOCKED)
    RETURNING facet, key, delta
  )
  INSERT INTO contact_counts (tenant_id, facet, key, delta)
  SELECT tenant, facet, key, sum(delta) FROM gone GROUP BY facet, key HAVING sum(delta) <> 0
$$;

-- Whose differences a statement has appended: one statement in so many folds what there is of that tenant.
CREATE FUNCTION "append_contact_counts"(tenants uuid[], facets text[], keys text[], deltas bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO contact_counts (tenant_id, facet, key, delta) SELECT * FROM unnest(tenants, facets, keys, deltas);
  IF cardinality(tenants) > 0 AND random() < 0.004 THEN PERFORM fold_contact_counts(tenants[1]); END IF;
END $$;

CREATE FUNCTION "contact_facets"(c contacts) RETURNS TABLE (facet text, key text)
LANGUAGE sql STABLE AS $$
  SELECT facet, key FROM (VALUES
    ('all', '', true),
    ('created', to_char(c.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), true),
    ('updated', to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), true),
    ('optIn', 'messenger', c.opt_in_messenger),
    ('optIn', 'instagram', c.opt_in_instagram),
    ('optIn', 'whatsapp', c.opt_in_whatsapp),
    ('optIn', 'telegram', c.opt_in_telegram),
    ('consent', '', c.export_consent_given)
  ) f (facet, key, holds) WHERE holds
$$;

CREATE FUNCTION "count_contacts"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE tenants uuid[]; facets text[]; keys text[]; deltas bigint[];
BEGIN
  IF tg_op = 'INSERT' THEN
    SELECT array_agg(t), array_agg(f), array_agg(k), array_agg(d) INTO tenants, facets, keys, deltas FROM (
      SELECT c.tenant_id t, x.facet f, x.key k, count(*) d FROM added c, contact_facets(c) x GROUP BY 1, 2, 3) n;
  ELSIF tg_op = 'DELETE' THEN
    SELECT array_agg(t), array_agg(f), array_agg(k), array_agg(d) INTO tenants, facets, keys, deltas FROM (
      SELECT c.tenant_id t, x.facet f, x.key k, -count(*) d FROM removed c, contact_facets(c) x GROUP BY 1, 2, 3) n;
  ELSE
    SELECT array_agg(t), array_agg(f), array_agg(k), array_agg(d) INTO tenants, facets, keys, deltas FROM (
      SELECT t, f, k, sum(n) d FROM (
        SELECT c.tenant_id t, x.facet f, x.key k, 1 n FROM added c, contact_facets(c) x
        UNION ALL SELECT c.tenant_id, x.facet, x.key, -1 FROM removed c, contact_facets(c) x) both_sides
      GROUP BY t, f, k HAVING sum(n) <> 0) n;
  END IF;
  IF tenants IS NOT NULL THEN PERFORM append_contact_counts(tenants, facets, keys, deltas); END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "contacts_counted_insert" AFTER INSERT ON "contacts" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_contacts();
CREATE TRIGGER "contacts_counted_delete" AFTER DELETE ON "contacts" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION count_contacts();
CREATE TRIGGER "contacts_counted_update" AFTER UPDATE ON "contacts" REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION count_contacts();

CREATE FUNCTION "count_contact_tags"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE tenants uuid[]; keys text[]; deltas bigint[];
BEGIN
  IF tg_op = 'INSERT' THEN
    SELECT array_agg(t), array_agg(k), array_agg(d) INTO tenants, keys, deltas
    FROM (SELECT tenant_id t, tag_id::text k, count(*) d FROM added GROUP BY 1, 2) n;
  ELSE
    SELECT array_agg(t), array_agg(k), array_agg(d) INTO tenants, keys, deltas
    FROM (SELECT tenant_id t, tag_id::text k, -count(*) d FROM removed GROUP BY 1, 2) n;
  END IF;
  IF tenants IS NOT NULL THEN
    PERFORM append_contact_counts(tenants, array_fill('tag'::text, array[cardinality(tenants)]), keys, deltas);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER "contact_tags_counted_insert" AFTER INSERT ON "contact_tags" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_contact_tags();
CREATE TRIGGER "contact_tags_counted_delete" AFTER DELETE ON "contact_tags" REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION count_contact_tags();

INSERT INTO contact_counts (tenant_id, facet, key, delta)
SELECT c.tenant_id, x.facet, x.key, count(*) FROM contacts c, contact_facets(c) x GROUP BY 1, 2, 3;
INSERT INTO contact_counts (tenant_id, facet, key, delta)
SELECT tenant_id, 'tag', tag_id::text, count(*) FROM contact_tags GROUP BY 1, 3;
