/** The time, as something that is passed in: tests move it, code never reads `Date.now()` itself. */
export class Clock {
  now(): Date {
    return new Date();
  }
}
