import { choice, integer } from '#core/config.ts'

/** The settings of devices. */
export const devicesSettings = {
  DEVICES_UNKNOWN: choice(
    'Devices that no production batch lists. allow: they come in at once. approve: an operator lets each in. refuse: they are turned away.',
    ['allow', 'approve', 'refuse'],
    'allow',
    { reloadable: true },
  ),
  DEVICES_START_UPS_PER_MINUTE: integer(
    'Start-up requests a minute per address; a device that waits for its owner makes 20. 0: no limit.',
    600,
    { reloadable: true },
  ),
  DEVICES_UNKNOWN_DAYS: integer('Days after which an unlisted device that nobody claimed is forgotten.', 14, {
    min: 1,
  }),
  DEVICES_COMMAND_DAYS: integer('Days for which ended commands are kept.', 30, { min: 1 }),
  DEVICES_HISTORY_DAYS: integer('Days for which the history of devices is kept.', 730, { min: 1 }),
  DEVICES_IMPORT_MAX_MB: integer('Largest list of devices that can be imported, in MB.', 50, {
    min: 1,
    max: 1000,
    reloadable: true,
  }),
  DEVICES_FIRMWARE_MAX_MB: integer('Largest firmware file, in MB.', 64, {
    min: 1,
    max: 1000,
    reloadable: true,
  }),
}
