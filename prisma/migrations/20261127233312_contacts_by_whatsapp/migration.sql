-- CreateIndex
CREATE INDEX "contacts_tenant_id_whatsapp_phone_idx" ON "contacts"("tenant_id", "whatsapp_phone");
