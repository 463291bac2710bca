// A booking and its event in one transaction.
//   DATABASE_URL=postgres://shop:shop@…/posthaste node booking.mjs [function|model]        (TENANT, default "default")
import { PrismaPg } from '@prisma/adapter-pg';
import client from './generated/index.js';

const tenant = process.env.TENANT ?? 'default';
const prisma = new client.PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });

/** "This happened", by the SQL function. */
async function emitByFunction(tx, type, data, orderingKey) {
  await tx.$queryRaw`
    select public.posthaste_emit(${tenant}, ${type}, ${JSON.stringify(data)}::jsonb, ordering_key => ${orderingKey})::text`;
}

/** The same as a row of a model. `select`: the role may read no more of the table than the id. */
async function emitByModel(tx, type, data, orderingKey) {
  await tx.posthasteOutbox.create({ data: { tenant, type, data, orderingKey }, select: { id: true } });
}

const emit = process.argv[2] === 'model' ? emitByModel : emitByFunction;

async function book(guest, startTime, isFree) {
  return prisma.$transaction(async (tx) => {
    const booking = await tx.booking.create({ data: { guest, startTime } });
    await emit(tx, 'shop.booking.created', { booking }, booking.id);
    // Whatever goes wrong from here on takes the booking and its event with it.
    if (!isFree) throw new Error('that table is taken');
    return booking;
  });
}

const booking = await book('Ada', new Date('2026-05-01T18:00:00Z'), true);
console.log(`booked ${booking.id} for ${booking.guest}`);
await book('Grace', new Date('2026-05-01T18:00:00Z'), false).catch((error) =>
  console.log(`not booked: ${error.message}`),
);
await prisma.$disconnect();
