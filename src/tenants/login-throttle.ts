import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type RateLimit, RateLimiter } from './rate-limiter.js';

const WINDOW_S = 15 * 60;
/** Somebody guesses one member's password. */
const PER_EMAIL: RateLimit = { name: 'login', requests: 10, windowS: WINDOW_S };
/** Somebody tries one password on many members; an office behind one address stays below it. */
const PER_ADDRESS: RateLimit = { name: 'login-address', requests: 100, windowS: WINDOW_S };

/** Slows down the guessing of passwords. Attempts count when they begin, so that a burst of them cannot slip through. */
@Injectable()
export class LoginThrottle {
  constructor(private readonly limiter: RateLimiter) {}

  /** @throws AppError rate_limited */
  async admit(email: string, ip: string): Promise<void> {
    await this.limiter.consume(PER_ADDRESS, ip, 'There were too many logins from this address.');
    await this.limiter.consume(PER_EMAIL, emailKey(email, ip), 'There were too many failed logins for this e-mail.');
  }

  /** After a login that succeeded: a person who mistyped twice starts anew. */
  async forgive(email: string, ip: string): Promise<void> {
    await Promise.all([this.limiter.reset(PER_EMAIL, emailKey(email, ip)), this.limiter.giveBack(PER_ADDRESS, ip)]);
  }
}

/** Of one length, whatever is sent as e-mail; and no address of a person stays behind in the table. */
function emailKey(email: string, ip: string): string {
  return createHash('sha256').update(`${email}\n${ip}`).digest('base64url');
}
