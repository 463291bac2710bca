// After the FlowKick guide, section "Verify Webhook Signatures (In Your CRM)", corrected: also takes "sha256=", bodies up
// to 1 MB, and answers 401, not 500, to a missing signature or one of another length. Assumes `app`, `express` and
// YOUR_WEBHOOK_SECRET, as the guide does.
const crypto = require('crypto');

function verifyWebhookSignature(payload, signature, secret) {
  if (!Buffer.isBuffer(payload)) return false;
  const expected = crypto.createHmac('sha256', secret).update(payload).digest();
  const received = Buffer.from(String(signature || '').replace(/^sha256=/, ''), 'hex');
  return received.length === expected.length && crypto.timingSafeEqual(received, expected);
}

app.post('/webhooks/flowkick', express.raw({ type: '*/*', limit: '1mb' }), (req, res) => {
  const signature = req.headers['x-webhook-signature'];

  if (!verifyWebhookSignature(req.body, signature, YOUR_WEBHOOK_SECRET)) {
    return res.status(401).json({ error: 'Invalid signature' });
  }

  const data = JSON.parse(req.body.toString('utf8'));
  console.log('Received event:', data.event);
  console.log('User data:', data.data.user);

  // Process the webhook data...

  res.status(200).json({ received: true });
});
