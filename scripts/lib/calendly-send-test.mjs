import { createHmac, randomUUID } from 'node:crypto';
import { ask, base, calendlyPath } from './api.mjs';
import { main, StepFailed } from './progress.mjs';

/**
 * `posthaste calendly send-test`: a booking as Calendly would tell of it, signed, to see that it arrives; or its end. The second of the
 * Calendly guide's two scripts.
 */
export function sendTest({ CALENDLY_WEBHOOK_SECRET: secret, NGROK_URL }, { canceled }) {
  return main(() => send(secret, NGROK_URL, canceled));
}

async function send(secret, tunnel, canceled) {
  if (!secret) throw new StepFailed('CALENDLY_WEBHOOK_SECRET is missing: give the secret of the Calendly source');
  const url = (tunnel ?? base).replace(/\/+$/, '') + (await calendlyPath());
  const body = JSON.stringify(booking(canceled));
  const t = Math.floor(Date.now() / 1000);
  const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'calendly-webhook-signature': `t=${t},v1=${v1}` },
    body,
  });
  const told = await answer.json().catch(() => null);
  if (!answer.ok)
    throw new StepFailed(`${url} answered ${answer.status}: ${told?.detail ?? told?.title ?? 'without a word'}`);
  const stored = await ask('GET', `/api/v1/inbound-events/${told.id}`);
  console.log(`Stored as ${stored.id}: ${stored.eventName} from ${stored.source}, ${stored.status}`);
}

function booking(canceled) {
  const now = new Date();
  const start = new Date(now.getTime() + 48 * 3_600_000);
  const api = 'https://api.calendly.com';
  const event = `${api}/scheduled_events/${randomUUID()}`;
  const times = { created_at: now.toISOString(), updated_at: now.toISOString() };
  return {
    event: canceled ? 'invitee.canceled' : 'invitee.created',
    created_at: now.toISOString(),
    created_by: `${api}/users/TEST`,
    payload: {
      uri: `${event}/invitees/${randomUUID()}`,
      event,
      email: 'test@example.com',
      name: 'Test Booking',
      status: canceled ? 'canceled' : 'active',
      timezone: 'America/Sao_Paulo',
      rescheduled: false,
      old_invitee: null,
      new_invitee: null,
      questions_and_answers: [],
      ...times,
      ...(canceled && {
        cancellation: {
          canceled_by: 'Test Booking',
          reason: 'a test',
          canceler_type: 'invitee',
          created_at: now.toISOString(),
        },
      }),
      scheduled_event: {
        uri: event,
        name: 'Test',
        status: canceled ? 'canceled' : 'active',
        start_time: start.toISOString(),
        end_time: new Date(start.getTime() + 30 * 60_000).toISOString(),
        event_type: `${api}/event_types/TEST`,
        ...times,
      },
    },
  };
}
