import { IsString } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export class CheckConformance {
  /** Event type whose sample is sent. Default: `webhook.test`. */
  @MayBeAbsent()
  @IsString()
  eventType?: string;
}

/** One request of the check and what the endpoint made of it. */
export class ConformanceCheck {
  name: 'good' | 'repeated' | 'tampered_body' | 'wrong_signature' | 'missing_headers' | 'stale_timestamp';
  /** What a sound endpoint does: accepts with 2xx, or refuses with 4xx. */
  expected: 'accept' | 'refuse';
  /** `unclear`: an answer that is neither (3xx, 429, 5xx). `not_run`: not sent, for the good request was not accepted. */
  outcome: 'accepted' | 'refused' | 'unclear' | 'no_answer' | 'not_run';
  passed: boolean;
  /** What it means, and how to mend it. */
  message: string;
  statusCode: number | null;
  durationMs: number | null;
}

export class ConformanceReport {
  subscriptionId: string;
  url: string;
  checkedAt: Date;
  /** A: all is well; B, C: something to mend; D: one kind of forgery is accepted; F: several are, or nothing is accepted. */
  grade: 'A' | 'B' | 'C' | 'D' | 'F';
  summary: string;
  checks: ConformanceCheck[];
}
