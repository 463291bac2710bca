import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidField } from '../core/errors.js';
import { HOPS, hopsOf } from '../core/hops.js';
import type { ChangeOrigin } from './domain-change.js';

const SOURCE = 'x-change-source';
const SOURCE_FORM = /^[\x21-\x7e]{1,64}$/;

/** Where a change that a request makes comes from: `X-Change-Source`, or `api`; with the loop counter it came with, counted on. */
export const CurrentOrigin = createParamDecorator((_: unknown, context: ExecutionContext): ChangeOrigin => {
  const { headers, principal } = context.switchToHttp().getRequest<FastifyRequest>();
  const source = headers[SOURCE] ?? 'api';
  if (typeof source !== 'string' || !SOURCE_FORM.test(source))
    throw invalidField(
      'header X-Change-Source',
      'X-Change-Source has 1 to 64 printable ASCII characters, such as manychat_sync.',
    );
  const hops = hopsOf(headers[HOPS], null);
  return { source, hops: hops > 0 ? hops + 1 : null, actorId: principal?.id ?? null };
});
