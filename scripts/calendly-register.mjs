// npm run calendly:register: has Calendly tell this server of bookings. docs/guides/connections.md, "Calendly", has its variables.
import { ask, calendlyPath } from './lib/api.mjs';
import { main, StepFailed } from './lib/progress.mjs';

const { CALENDLY_TOKEN, CALENDLY_BASE_URL, CALENDLY_WEBHOOK_SECRET, NGROK_URL } = process.env;

await main(async () => {
  const connection = await connectionWith(CALENDLY_TOKEN);
  const registered = await ask('POST', `/api/v1/connections/${connection.id}/register-webhooks`, {
    ...(CALENDLY_WEBHOOK_SECRET && { secret: CALENDLY_WEBHOOK_SECRET }),
    ...(NGROK_URL && { url: NGROK_URL.replace(/\/+$/, '') + (await calendlyPath()) }),
  });
  console.log(`Calendly sends ${registered.events.join(' and ')} to ${registered.url}`);
});

/** The tenant's connection to Calendly, made with the token when there is none. */
async function connectionWith(token) {
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
    ...(CALENDLY_BASE_URL && { baseUrl: CALENDLY_BASE_URL }),
  });
}
