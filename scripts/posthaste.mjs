#!/usr/bin/env node
// npx posthaste …: what is done from a terminal beside a running server.
import './lib/node-version.mjs';
import { Command } from 'commander';

const SERVER = `
Environment:
  POSTHASTE                 where the server is (default: http://localhost:8001)
  POSTHASTE_KEY             an API key of the tenant
  CALENDLY_WEBHOOK_SECRET   the secret Calendly signs with
  NGROK_URL                 the tunnel through which Calendly reaches the server`;

const program = new Command('posthaste')
  .description('Webhooks out, webhooks in, nothing lost.')
  .showHelpAfterError()
  .addHelpText('after', '\nThe server itself is started with: npm start');

const calendly = program.command('calendly').description('bookings of Calendly');

calendly
  .command('register')
  .description('have Calendly tell this server of bookings; again changes nothing')
  .addHelpText(
    'after',
    `${SERVER}
  CALENDLY_TOKEN            for the first registration, or to replace the token
  CALENDLY_BASE_URL         another API than Calendly's own, for trying things out`,
  )
  .action(async () => (await import('./lib/calendly-register.mjs')).register(process.env));

calendly
  .command('send-test')
  .description('send a signed booking as Calendly would, and see that it is stored')
  .option('--canceled', 'send the end of a booking instead')
  .addHelpText('after', SERVER)
  .action(async ({ canceled }) =>
    (await import('./lib/calendly-send-test.mjs')).sendTest(process.env, { canceled: canceled === true }),
  );

await program.parseAsync();
