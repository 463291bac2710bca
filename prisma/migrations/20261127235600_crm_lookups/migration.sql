-- CreateIndex
CREATE INDEX "contacts_tenant_id_whatsapp_phone_idx" ON "contacts"("tenant_id", "whatsapp_phone");

-- CreateIndex
CREATE INDEX "bookings_tenant_id_tool_id_id_idx" ON "bookings"("tenant_id", "tool_id", "id");
