import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { HOPS, hopsOf } from '../core/hops.js';
import type { ChangeOrigin } from './domain-change.js';

/** Where a write over the API comes from. A workflow that passes on the hops of what it received is stopped when it goes round. */
export const WriteOrigin = createParamDecorator((_: unknown, context: ExecutionContext): ChangeOrigin => {
  const { headers, body } = context.switchToHttp().getRequest<FastifyRequest>();
  const hops = hopsOf(headers[HOPS], body);
  return { source: 'api', hops: hops > 0 ? hops + 1 : null };
});
