-- AlterTable
ALTER TABLE "contacts" ADD COLUMN     "bookings_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "comments_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "conversations_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "custom_fields" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "export_consent_at" TIMESTAMPTZ(3),
ADD COLUMN     "export_consent_given" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "external_id" TEXT,
ADD COLUMN     "gender" TEXT,
ADD COLUMN     "instagram_id" TEXT,
ADD COLUMN     "instagram_username" TEXT,
ADD COLUMN     "interactions_updated_at" TIMESTAMPTZ(3),
ADD COLUMN     "last_booking_at" TIMESTAMPTZ(3),
ADD COLUMN     "last_synced_at" TIMESTAMPTZ(3),
ADD COLUMN     "locale" TEXT,
ADD COLUMN     "manychat_id" TEXT,
ADD COLUMN     "messages_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "opt_in_instagram" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "opt_in_messenger" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "opt_in_telegram" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "opt_in_whatsapp" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "profile_pic" TEXT,
ADD COLUMN     "qr_scans_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "stories_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "subscribed_at" TIMESTAMPTZ(3),
ADD COLUMN     "timezone" TEXT,
ADD COLUMN     "whatsapp_phone" TEXT;

-- CreateTable
CREATE TABLE "tags" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tags_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "contact_tags" (
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "tag_id" UUID NOT NULL,
    "applied_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "contact_tags_pkey" PRIMARY KEY ("tenant_id","contact_id","tag_id")
);

-- CreateTable
CREATE TABLE "custom_fields" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "label" TEXT NOT NULL DEFAULT '',
    "type" TEXT NOT NULL,
    "choices" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "custom_fields_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "interactions" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "channel" TEXT,
    "text" TEXT,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "interactions_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_consents" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "given" BOOLEAN NOT NULL,
    "source" TEXT NOT NULL,
    "actor_id" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "contact_consents_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "tools" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "duration_minutes" INTEGER,
    "external_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tools_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "bookings" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "tool_id" UUID,
    "start_time" TIMESTAMPTZ(3) NOT NULL,
    "end_time" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "notes" TEXT,
    "cancel_reason" TEXT,
    "external_id" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "cancelled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "bookings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "qr_codes" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "code" TEXT NOT NULL,
    "contact_id" UUID,
    "purpose" TEXT NOT NULL DEFAULT '',
    "scan_count" INTEGER NOT NULL DEFAULT 0,
    "scanned_at" TIMESTAMPTZ(3),
    "scanned_by" TEXT,
    "validated_at" TIMESTAMPTZ(3),
    "validated_by" TEXT,
    "expires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "qr_codes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "conversations" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID,
    "channel" TEXT NOT NULL,
    "external_id" TEXT,
    "party" TEXT,
    "title" TEXT,
    "is_group" BOOLEAN NOT NULL DEFAULT false,
    "status" TEXT NOT NULL DEFAULT 'open',
    "ai_enabled" BOOLEAN NOT NULL DEFAULT true,
    "message_count" INTEGER NOT NULL DEFAULT 0,
    "last_message_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "conversations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "messages" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "conversation_id" UUID NOT NULL,
    "direction" TEXT NOT NULL,
    "author" TEXT NOT NULL,
    "type" TEXT NOT NULL DEFAULT 'TEXT',
    "text" TEXT,
    "external_id" TEXT,
    "sent_at" TIMESTAMPTZ(3) NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "messages_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "deal_stages" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "outcome" TEXT NOT NULL DEFAULT 'open',

    CONSTRAINT "deal_stages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deals" (
    "id" UUID NOT NULL,
    "tenant_id" UUID NOT NULL,
    "title" TEXT,
    "contact_id" UUID,
    "stage" TEXT NOT NULL,
    "amount" DECIMAL(18,4),
    "currency" TEXT,
    "external_id" TEXT,
    "won_at" TIMESTAMPTZ(3),
    "lost_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "deals_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "tags_tenant_id_name_key" ON "tags"("tenant_id", "name");

-- CreateIndex
CREATE INDEX "contact_tags_tenant_id_tag_id_contact_id_idx" ON "contact_tags"("tenant_id", "tag_id", "contact_id");

-- CreateIndex
CREATE UNIQUE INDEX "custom_fields_tenant_id_name_key" ON "custom_fields"("tenant_id", "name");

-- CreateIndex
CREATE INDEX "interactions_tenant_id_contact_id_id_idx" ON "interactions"("tenant_id", "contact_id", "id");

-- CreateIndex
CREATE INDEX "contact_consents_tenant_id_contact_id_id_idx" ON "contact_consents"("tenant_id", "contact_id", "id");

-- CreateIndex
CREATE INDEX "tools_tenant_id_id_idx" ON "tools"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "tools_tenant_id_external_id_key" ON "tools"("tenant_id", "external_id");

-- CreateIndex
CREATE INDEX "bookings_tenant_id_id_idx" ON "bookings"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "bookings_tenant_id_contact_id_id_idx" ON "bookings"("tenant_id", "contact_id", "id");

-- CreateIndex
CREATE INDEX "bookings_tenant_id_start_time_idx" ON "bookings"("tenant_id", "start_time");

-- CreateIndex
CREATE UNIQUE INDEX "bookings_tenant_id_external_id_key" ON "bookings"("tenant_id", "external_id");

-- CreateIndex
CREATE INDEX "qr_codes_tenant_id_id_idx" ON "qr_codes"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "qr_codes_tenant_id_contact_id_id_idx" ON "qr_codes"("tenant_id", "contact_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "qr_codes_tenant_id_code_key" ON "qr_codes"("tenant_id", "code");

-- CreateIndex
CREATE INDEX "conversations_tenant_id_id_idx" ON "conversations"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "conversations_tenant_id_contact_id_id_idx" ON "conversations"("tenant_id", "contact_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "conversations_tenant_id_external_id_key" ON "conversations"("tenant_id", "external_id");

-- CreateIndex
CREATE INDEX "messages_tenant_id_conversation_id_id_idx" ON "messages"("tenant_id", "conversation_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "messages_tenant_id_conversation_id_external_id_key" ON "messages"("tenant_id", "conversation_id", "external_id");

-- CreateIndex
CREATE UNIQUE INDEX "deal_stages_tenant_id_key_key" ON "deal_stages"("tenant_id", "key");

-- CreateIndex
CREATE INDEX "deals_tenant_id_id_idx" ON "deals"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "deals_tenant_id_contact_id_id_idx" ON "deals"("tenant_id", "contact_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "deals_tenant_id_external_id_key" ON "deals"("tenant_id", "external_id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_created_at_id_idx" ON "contacts"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_updated_at_id_idx" ON "contacts"("tenant_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_first_name_id_idx" ON "contacts"("tenant_id", "first_name", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_last_name_id_idx" ON "contacts"("tenant_id", "last_name", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_phone_idx" ON "contacts"("tenant_id", "phone");

-- CreateIndex
CREATE UNIQUE INDEX "contacts_tenant_id_external_id_key" ON "contacts"("tenant_id", "external_id");

-- CreateIndex
CREATE UNIQUE INDEX "contacts_tenant_id_manychat_id_key" ON "contacts"("tenant_id", "manychat_id");

-- CreateIndex
CREATE INDEX "invoices_tenant_id_contact_id_id_idx" ON "invoices"("tenant_id", "contact_id", "id");

-- Searching contacts: without regard to case and accents, by any part of a name or address.
CREATE EXTENSION IF NOT EXISTS "pg_trgm";
CREATE EXTENSION IF NOT EXISTS "btree_gin";
CREATE EXTENSION IF NOT EXISTS "unaccent";

-- unaccent itself is only STABLE, as its dictionary could be changed; a generated column wants IMMUTABLE.
CREATE FUNCTION "search_form"(value text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN lower(public.unaccent('public.unaccent'::regdictionary, value));

ALTER TABLE "contacts" ADD COLUMN "search_text" text GENERATED ALWAYS AS (
  search_form(coalesce("first_name", '') || ' ' || coalesce("last_name", '') || ' ' ||
              coalesce("email", '') || ' ' || coalesce("instagram_username", ''))
) STORED;

CREATE INDEX "contacts_search_idx" ON "contacts" USING gin ("tenant_id", "search_text" gin_trgm_ops);
CREATE INDEX "contacts_custom_fields_idx" ON "contacts" USING gin ("tenant_id", "custom_fields" jsonb_path_ops);
