import { ask, calendlyPath } from './api.mjs';
import { main, StepFailed } from './progress.mjs';

/** `posthaste calendly register`: the first of the Calendly guide's two scripts, over the HTTP API. */
export function register({ CALENDLY_TOKEN, CALENDLY_BASE_URL, CALENDLY_WEBHOOK_SECRET, NGROK_URL }) {
  return main(async () => {
    const connection = await connectionWith(CALENDLY_TOKEN, CALENDLY_BASE_URL);
    const registered = await ask('POST', `/api/v1/connections/${connection.id}/register-webhooks`, {
      ...(CALENDLY_WEBHOOK_SECRET && { secret: CALENDLY_WEBHOOK_SECRET }),
      ...(NGROK_URL && { url: NGROK_URL.replace(/\/+$/, '') + (await calendlyPath()) }),
    });
    console.log(`Calendly sends ${registered.events.join(' and ')} to ${registered.url}`);
  });
}

/** The tenant's connection to Calendly, made with the token when there is none. */
async function connectionWith(token, baseUrl) {
  const { data } = await ask('GET', '/api/v1/connections?provider=calendly');
  // The oldest, which is the one automations use.
  const there = data.at(-1);
  if (there) return token ? ask('PATCH', `/api/v1/connections/${there.id}`, { credentials: { token } }) : there;
  if (!token) {
    throw new StepFailed('CALENDLY_TOKEN is missing: make one in Calendly (Integrations & apps, API & webhooks)');
  }
  return ask('POST', '/api/v1/connections', {
    provider: 'calendly',
    name: 'Calendly',
    credentials: { token },
    ...(baseUrl && { baseUrl }),
  });
}
