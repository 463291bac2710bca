export const BOOKING_STATUSES = ['pending', 'confirmed', 'cancelled', 'completed', 'no_show'] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];

/** What a booking may become next. What was cancelled or took place is over: it is opened again on purpose or not at all. */
const NEXT: Record<BookingStatus, readonly BookingStatus[]> = {
  pending: ['confirmed', 'cancelled', 'completed', 'no_show'],
  confirmed: ['pending', 'cancelled', 'completed', 'no_show'],
  no_show: ['confirmed', 'completed'],
  cancelled: [],
  completed: [],
};

export function isOver(status: BookingStatus): boolean {
  return NEXT[status].length === 0;
}

/** Whether it is still to come: someone keeps the time free for it. */
export function isOpen(status: BookingStatus): boolean {
  return status === 'pending' || status === 'confirmed';
}

export interface BookingTimes {
  startTime: Date;
  endTime: Date;
}

interface BookingState extends BookingTimes {
  status: BookingStatus;
}

/** Why a booking cannot become what is asked for, or null when it can. */
export function bookingRefusal(current: BookingState, next: BookingState): { pointer: string; detail: string } | null {
  const { status } = current;
  if (next.status !== status && !NEXT[status].includes(next.status)) {
    const help = isOver(status) ? 'Open it again first (/reopen).' : `It can become ${NEXT[status].join(' or ')}.`;
    return { pointer: '/status', detail: `A booking that is ${status} cannot become ${next.status}. ${help}` };
  }
  const moved = ['startTime', 'endTime'].find(
    (name) => next[name as keyof BookingTimes].getTime() !== current[name as keyof BookingTimes].getTime(),
  );
  if (moved && isOver(status))
    return {
      pointer: `/${moved}`,
      detail: `A booking that is ${status} keeps its times. Open it again first (/reopen).`,
    };
  return null;
}
