import { sql, type Transaction } from 'kysely'
import { newId } from '#core/ids.ts'
import type { Secrets } from '#core/security/secrets.ts'
import { proofContext } from './activation.ts'
import type { ImportRow, ProblemCode, RowProblem } from './import-file.ts'
import type { DevicesTables } from './tables.ts'

type Tx = Transaction<DevicesTables>

/** Stores the devices that are new, and returns the others. A device that came in unlisted is taken into the batch. */
export async function insertDevices(
  tx: Tx,
  secrets: Secrets,
  { batch_id, type_id }: { batch_id: string; type_id: string },
  rows: readonly ImportRow[],
): Promise<RowProblem[]> {
  const refused: RowProblem[] = []
  const refuse = (row: ImportRow, code: ProblemCode, value: string) =>
    refused.push({ line: row.line, value, code })
  const known = await knownDevices(tx, rows)
  const seen = new Set<string>()
  const fresh: ImportRow[] = []
  for (const row of rows) {
    const sameMac = known.macs.get(row.mac)
    const sameSerial = row.serial === null ? undefined : known.serials.get(row.serial)
    if (seen.has(row.mac)) refuse(row, 'mac_repeated', row.mac)
    else if (row.serial !== null && seen.has(row.serial)) refuse(row, 'serial_repeated', row.serial)
    else if (sameMac && sameMac.batch_id !== null)
      refuse(row, sameMac.batch_id === batch_id ? 'mac_in_batch' : 'mac_taken', row.mac)
    else if (sameSerial && sameSerial !== row.mac) refuse(row, 'serial_taken', row.serial ?? '')
    else fresh.push(row)
    seen.add(row.mac)
    if (row.serial !== null) seen.add(row.serial)
  }
  if (fresh.length === 0) return refused
  const records = fresh.map(row => {
    const id = known.macs.get(row.mac)?.id ?? newId()
    return {
      id,
      mac: row.mac,
      serial: row.serial,
      key: row.proof_key === null ? null : secrets.encrypt(row.proof_key, proofContext(id)),
    }
  })
  const { rows: stored } = await sql<{ mac: string }>`
    INSERT INTO devices_device (id, type_id, batch_id, mac, serial, state, proof_key_sealed)
    SELECT id, ${type_id}, ${batch_id}, mac, serial, 'produced', key
    FROM jsonb_to_recordset(${JSON.stringify(records)}::jsonb)
      AS given (id uuid, mac text, serial text, key text)
    ORDER BY mac
    ON CONFLICT (mac) DO UPDATE SET
      batch_id = excluded.batch_id, type_id = excluded.type_id, serial = excluded.serial,
      proof_key_sealed = excluded.proof_key_sealed, approval = 'approved'
    WHERE devices_device.batch_id IS NULL
    RETURNING mac`.execute(tx)
  const isStored = new Set(stored.map(row => row.mac))
  for (const row of fresh) if (!isStored.has(row.mac)) refuse(row, 'mac_taken', row.mac)
  return refused
}

async function knownDevices(tx: Tx, rows: readonly ImportRow[]) {
  const found = await tx
    .selectFrom('devices_device')
    .select(['id', 'mac', 'serial', 'batch_id'])
    .where(eb =>
      eb.or([
        eb('mac', '=', sql<string>`ANY(${rows.map(row => row.mac)}::text[])`),
        eb(
          'serial',
          '=',
          sql<string>`ANY(${rows.map(row => row.serial).filter(serial => serial !== null)}::text[])`,
        ),
      ]),
    )
    .execute()
  return {
    macs: new Map(found.map(row => [row.mac, row])),
    serials: new Map(found.filter(row => row.serial !== null).map(row => [row.serial ?? '', row.mac])),
  }
}
