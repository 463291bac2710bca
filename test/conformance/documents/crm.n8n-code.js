// From the CRM guide, section "Verify Webhook Signature (Security)", n8n example, exactly as printed there. Do not edit.
// Get the signature from headers
const signature = $node["Webhook"].context["headers"]["x-webhook-signature"];
const secret = "your-webhook-secret"; // From subscription creation
const payload = JSON.stringify($json);

// Verify signature
const crypto = require('crypto');
const expectedSignature = crypto
  .createHmac('sha256', secret)
  .update(payload)
  .digest('hex');

if (signature !== expectedSignature) {
  throw new Error("Invalid webhook signature");
}

return $json;
