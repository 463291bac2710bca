import { Injectable } from '@nestjs/common';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import {
  type BookingQuery,
  type BookingView,
  type CreateBooking,
  presentBooking,
  type ReopenBooking,
  type UpdateBooking,
} from './booking.dto.js';
import { BookingStore } from './booking.store.js';
import { BookingChanger } from './booking-changer.js';
import { isOver } from './booking-state.js';
import { conflicts, found, rowId } from './crm-rows.js';
import { CrmWriter } from './crm-writer.js';
import type { ChangeOrigin } from './domain-change.js';

@Injectable()
export class BookingService {
  constructor(
    private readonly store: BookingStore,
    private readonly changer: BookingChanger,
    private readonly writer: CrmWriter,
  ) {}

  async create(tenantId: string, origin: ChangeOrigin, input: CreateBooking): Promise<BookingView> {
    return presentBooking(
      await this.writer.write(tenantId, origin, (write) => this.changer.create(write, tenantId, input)),
    );
  }

  async get(tenantId: string, id: string): Promise<BookingView> {
    return presentBooking(found(await this.store.find(tenantId, rowId('booking', id)), 'booking', id));
  }

  async list(tenantId: string, query: BookingQuery): Promise<Page<BookingView>> {
    const { limit, cursor: _cursor, ...filter } = query;
    return pageOf(await this.store.list(tenantId, filter, cursorId(query), limit + 1), limit, presentBooking);
  }

  async update(tenantId: string, origin: ChangeOrigin, id: string, input: UpdateBooking): Promise<BookingView> {
    rowId('booking', id);
    return presentBooking(
      await this.writer.write(tenantId, origin, (write) => this.changer.update(write, tenantId, id, input)),
    );
  }

  /** @throws AppError conflict when it is not over */
  async reopen(
    tenantId: string,
    origin: ChangeOrigin,
    id: string,
    { status = 'pending' }: ReopenBooking,
  ): Promise<BookingView> {
    rowId('booking', id);
    const booking = await this.writer.write(tenantId, origin, async (write) => {
      const current = found(await this.store.lock(write.tx, tenantId, id), 'booking', id);
      if (!isOver(current.status))
        throw conflicts(
          '',
          `The booking is ${current.status}: only one that is cancelled or completed can be opened again.`,
        );
      return this.changer.update(write, tenantId, id, { status }, { reopen: true });
    });
    return presentBooking(booking);
  }

  async delete(tenantId: string, origin: ChangeOrigin, id: string): Promise<void> {
    rowId('booking', id);
    await this.writer.write(tenantId, origin, (write) => this.changer.delete(write, tenantId, id));
  }
}
