// Code step of an Activepieces flow behind a "Catch Webhook" trigger. Inputs of the step:
//   rawBody    {{trigger['rawBody']}}
//   signature  {{trigger['headers']['x-webhook-signature']}}
//   secret     the secret of the subscription
import crypto from 'node:crypto';

export const code = async ({ rawBody, signature, secret }) => {
  const expected = crypto.createHmac('sha256', secret).update(rawBody).digest();
  const received = Buffer.from(String(signature || '').replace(/^sha256=/, ''), 'hex');

  if (received.length !== expected.length || !crypto.timingSafeEqual(received, expected)) {
    throw new Error('Invalid webhook signature');
  }

  return JSON.parse(rawBody);
};
