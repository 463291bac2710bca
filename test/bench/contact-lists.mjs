// Lists of contacts over HTTP, question by question: node test/bench/contact-lists.mjs http://127.0.0.1:8001 phk_… [repeats]
// The tenant of the key has been filled by fill-contacts.sql.
const [url, key, repeats = '15'] = process.argv.slice(2);
const ask = async (query) => {
  const startedMs = performance.now();
  const answer = await fetch(`${url}/api/admin/users?${query}`, { headers: { authorization: `Bearer ${key}` } });
  const body = await answer.json();
  if (answer.status !== 200) throw new Error(`${query}: ${answer.status} ${body.detail}`);
  return { ms: performance.now() - startedMs, ...body.pagination, users: body.users.length };
};

const SORTS = ['createdAt', 'updatedAt', 'firstName', 'lastName'].flatMap((by) => [
  `sortBy=${by}&sortOrder=asc`,
  `sortBy=${by}&sortOrder=desc`,
]);
const FILTERS = [
  'search=john',
  'search=camila',
  'search=john+silva',
  'search=joao.silva12',
  'search=freitas99999',
  'search=example.com',
  'search=nosuchname',
  'search=jo',
  'search=zz',
  'hasTag=vip',
  'hasTag=rare',
  'hasTag=founder',
  'hasTag=vip&hasTag=lead',
  'optedIn=messenger',
  'optedIn=telegram',
  'exportConsentOnly=true',
  'createdAfter=2025-01-01',
  'createdAfter=2024-06-01&createdBefore=2024-06-02',
  'createdBefore=2024-02-01',
  'createdAfter=2025-03-03T12:34:56Z',
  'updatedAfter=2025-12-01',
  'updatedAfter=2025-01-01&sortBy=lastName',
  'customField[favorite_drink]=latte',
  'customField[visit_count]=7',
  'customField[member_no]=M777777',
  'createdAfter=2025-01-01&hasTag=vip&search=john',
  'hasTag=vip&exportConsentOnly=true&optedIn=messenger',
  'search=john&sortBy=lastName&sortOrder=asc',
  'hasTag=rare&sortBy=firstName&sortOrder=asc',
];

const rows = [];
const measure = async (name, query) => {
  const times = [];
  let last;
  for (let i = 0; i < Number(repeats); i++) {
    last = await ask(query);
    times.push(last.ms);
  }
  times.sort((a, b) => a - b);
  const at = (share) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))]);
  rows.push({
    question: name,
    p50: at(0.5),
    p95: at(0.95),
    total: `${last.totalIsEstimate ? '≈ ' : ''}${last.total}`,
    users: last.users,
  });
  return last;
};
await measure('(none)', 'limit=50');
for (const query of [...SORTS, ...FILTERS]) await measure(query, query);
// Half-way and near the end: a cursor that a client would have come to.
for (const sort of SORTS) {
  for (const offset of [500_000, 999_000]) {
    const { nextCursor } = await ask(`${sort}&limit=1&offset=${offset}`);
    await measure(`${sort}, behind ${offset}`, `${sort}&cursor=${nextCursor}`);
  }
}
console.log('| question | p50 ms | p95 ms | total |\n| --- | --- | --- | --- |');
for (const row of rows) console.log(`| \`${row.question}\` | ${row.p50} | ${row.p95} | ${row.total} |`);
const slow = rows.filter((row) => row.p95 >= 50);
console.log(
  `\n${rows.length} questions; p95 of 50 ms or more: ${slow.map((row) => row.question).join(', ') || 'none'}`,
);
