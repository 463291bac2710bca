/** Address of the Postgres this process uses: DATABASE_URL, or the embedded one's, known only after it has started. */
export class DatabaseUrl {
  constructor(readonly value: string) {}
}
