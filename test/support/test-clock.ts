import { Clock } from '../../src/core/clock.js';

/** A clock that stands still until a test moves it. */
export class TestClock extends Clock {
  private time: Date;

  constructor(start = new Date('2026-03-01T12:00:00Z')) {
    super();
    this.time = start;
  }

  override now(): Date {
    return new Date(this.time);
  }

  set(time: Date): void {
    this.time = time;
  }

  advance(by: { seconds?: number; minutes?: number; hours?: number; days?: number }): void {
    const { seconds = 0, minutes = 0, hours = 0, days = 0 } = by;
    this.time = new Date(this.time.getTime() + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
  }
}
