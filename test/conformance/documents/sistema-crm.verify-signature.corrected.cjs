// After the Sistema CRM guide, section "Segurança", corrected: takes the "sha256=" off before it decodes the hex,
// and answers false instead of throwing when the signature is missing or has another length.
const crypto = require('crypto');

function verifySignature(payload, signature, secret) {
  const expected = crypto.createHmac('sha256', secret).update(payload).digest();
  const received = Buffer.from(String(signature || '').replace(/^sha256=/, ''), 'hex');
  return received.length === expected.length && crypto.timingSafeEqual(received, expected);
}
