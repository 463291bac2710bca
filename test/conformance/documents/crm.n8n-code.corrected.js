// After the CRM guide, section "Verify Webhook Signature (Security)", corrected. Code node, "Run Once for All Items",
// directly behind a Webhook node whose option "Raw Body" is on: hashes the bytes that came, which "Raw Body" puts into the
// binary property "data". Where n8n is self-hosted, NODE_FUNCTION_ALLOW_BUILTIN must allow crypto.
const crypto = require('crypto');

const secret = "your-webhook-secret"; // From subscription creation

const webhook = $input.first().json;
const rawBody = await this.helpers.getBinaryDataBuffer(0, 'data');

const expected = crypto.createHmac('sha256', secret).update(rawBody).digest();
const received = Buffer.from(String(webhook.headers['x-webhook-signature'] || '').replace(/^sha256=/, ''), 'hex');

if (received.length !== expected.length || !crypto.timingSafeEqual(received, expected)) {
  throw new Error("Invalid webhook signature");
}

return [{ json: JSON.parse(rawBody.toString('utf8')) }];
