import { setUpModules } from '#core/app.ts'
import { ConfigError } from '#core/config.ts'
import { isId } from '#core/ids.ts'
import { cardsKey, type UsageFinding } from '#modules/cards/contract.ts'
import { withServices } from './with-services.ts'

/**
 * `banyan cards verify [--batch ID]`: looks for rows of the cards’ usage log that were changed, added or removed, and
 * names them. Exit code 1 when there are any.
 */
export const verifyCards = async (batch: string | undefined): Promise<void> => {
  if (batch !== undefined && !isId(batch)) throw new ConfigError('--batch is the id of a batch.')
  await withServices(async ({ core }, modules, config) => {
    const { use } = await setUpModules({ modules }, config, core)
    const { batches, rows, findings } = await use(cardsKey).verifyUsage({
      batch_id: batch,
      onBatch({ findings }) {
        for (const finding of findings) process.stdout.write(`✗ ${lineOf(finding)}\n`)
      },
    })
    if (findings.length > 0) process.exitCode = 1
    const verdict =
      findings.length > 0 ? `✗ findings: ${findings.length}` : '✓ nothing was changed or removed'
    process.stdout.write(`${verdict} (${rows} rows, batches: ${batches})\n`)
  })
}

const meanings: Record<string, string> = {
  row_changed: 'was changed',
  row_missing: 'missing',
  row_added: 'was added from outside',
  row_unproven: 'follows a gap and cannot be proven',
  person_changed: 'names another person or place than when it was written',
  cut_off: 'cut off at the end',
  head_changed: 'the signed end of this stretch was changed',
  head_missing: 'the signed end of this stretch is missing or does not follow from the one before',
  key_missing: 'sealed with a key that SECRET_KEY no longer has',
  chain_missing: 'cards were redeemed, but there is no log',
}

function lineOf({ kind, batch_id, first_seq, last_seq, id }: UsageFinding): string {
  const rows = first_seq === last_seq ? `row ${first_seq}` : `rows ${first_seq}–${last_seq}`
  return `batch ${batch_id}, ${rows}${id === null ? '' : ` (${id})`}: ${meanings[kind] ?? kind}`
}
