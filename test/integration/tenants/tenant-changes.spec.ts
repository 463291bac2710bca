import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DatabaseUrl } from '../../../src/database/database-url.js';
import { HotPool } from '../../../src/database/hot-pool.js';
import { TenantChanges } from '../../../src/tenants/tenant-changes.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** A way to the database that can be cut. */
class Cable {
  private readonly target = new URL(app.database.url);
  private readonly sockets = new Set<Socket>();
  private server: Server;
  private port = 0;

  async plugIn(): Promise<void> {
    this.server = createServer((near) => {
      const far = connect(Number(this.target.port), this.target.hostname);
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as { port: number }).port;
  }

  cut(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  get url(): DatabaseUrl {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${this.port}`;
    return new DatabaseUrl(url.href);
  }
}

it('hears of changes, knows when it does not, and comes back', async () => {
  const cable = new Cable();
  await cable.plugIn();
  const changes = new TenantChanges(cable.url, app.app.get(HotPool));
  const heard: (string | null)[] = [];
  changes.onChange((tenantId) => heard.push(tenantId));
  const elsewhere = app.app.get(TenantChanges);

  await changes.onModuleInit();
  expect(changes.connected).toBe(true);
  await elsewhere.announce('one');
  await eventually(() => expect(heard).toEqual([null, 'one']));

  await cable.cut();
  await eventually(() => expect(changes.connected).toBe(false));
  expect(heard).toEqual([null, 'one', null]);
  await elsewhere.announce('missed');

  await cable.plugIn();
  await eventually(() => expect(changes.connected).toBe(true));
  expect(heard).toEqual([null, 'one', null, null]);
  await elsewhere.announce('two');
  await eventually(() => expect(heard).toEqual([null, 'one', null, null, 'two']));

  await changes.onApplicationShutdown();
  expect(changes.connected).toBe(false);
  await cable.cut();
});

it('starts without a connection and is heard from as soon as there is one', async () => {
  const cable = new Cable();
  await cable.plugIn();
  const { url } = cable;
  await cable.cut();
  const changes = new TenantChanges(url, app.app.get(HotPool));
  await changes.onModuleInit();
  expect(changes.connected).toBe(false);
  await cable.plugIn();
  await eventually(() => expect(changes.connected).toBe(true));
  await changes.onApplicationShutdown();
  await cable.cut();
});
