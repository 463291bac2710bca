import type { FastifyInstance } from 'fastify';
import { AppError } from '../core/errors.js';

/** Which paths there are, and with which methods: a router only knows whether it has found a route. */
export class KnownRoutes {
  private readonly methods = new Map<string, Set<string>>();
  private readonly patterns = new Map<string, RegExp>();

  /** Notes every route that is added from now on. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ method, url }) => {
      // A route for whatever is left makes no path known.
      if (url === '*' || url === '/*') return;
      const known = this.methods.get(url) ?? new Set();
      for (const one of [method].flat()) known.add(one);
      this.methods.set(url, known);
      this.patterns.set(url, patternOf(url));
    });
  }

  /** Whether it is a route without parameters. */
  has(method: string, path: string): boolean {
    return this.methods.get(path)?.has(method) ?? false;
  }

  /** Why no route was found: there is none with this path, or it has other methods. */
  refusalOf(method: string, url: string): AppError {
    const path = url.split('?', 1)[0] as string;
    const allowed = new Set<string>();
    for (const [route, pattern] of this.patterns) {
      if (pattern.test(path)) for (const one of this.methods.get(route) ?? []) allowed.add(one);
    }
    if (allowed.size === 0 || allowed.has(method)) {
      return new AppError('route_not_found', { detail: `There is no route ${method} ${path}.` });
    }
    const methods = [...allowed].sort().join(', ');
    return new AppError('method_not_allowed', {
      detail: `${path} does not take ${method}. It takes: ${methods}.`,
      headers: { allow: methods },
    });
  }
}

/** `/in/:token/*` → what matches such paths. */
function patternOf(url: string): RegExp {
  const source = url
    .replace(/[\\^$.+?()[\]{}|]/g, '\\$&')
    .replace(/:[A-Za-z0-9_]+/g, '[^/]+')
    .replace(/\*/g, '.*');
  return new RegExp(`^${source}$`);
}
