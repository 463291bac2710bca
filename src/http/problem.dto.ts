import { ApiProperty } from '@nestjs/swagger';
import { ERRORS, type ErrorCode } from '../core/errors.js';

/** One thing that is wrong with a request. */
export class ProblemField {
  /** Where: a JSON pointer into the body (`/data/email`), `?name` of the query, or `header name`. */
  pointer: string;
  /** What is wrong there, and what to do. */
  detail: string;
}

/** Body of every refusal, in the native API and in the dialects (RFC 9457). */
export class Problem {
  /** Names the kind of problem; it is not an address to fetch. */
  type: string;
  /** The same for every problem of this code. */
  title: string;
  status: number;
  /** What was wrong, with which value, and what to do. */
  detail: string;
  /** Path of the request. */
  instance: string;
  /** Stable: programs decide by it. docs/errors.md says what each means. */
  @ApiProperty({ enum: Object.keys(ERRORS) })
  code: ErrorCode;
  /** Names the request in our logs; also in the header `x-request-id`. */
  requestId: string;
  /** The fields that are wrong, when it is about fields. */
  errors?: ProblemField[];
}
