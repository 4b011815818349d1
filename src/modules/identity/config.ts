import { choice, integer, secret, text } from '#core/config.ts'

export const identitySettings = {
  ADMIN_EMAIL: text('E-mail address of the first administrator, made when the database is empty.', '', {
    example: 'admin@example.com',
  }),
  ADMIN_PASSWORD: secret(
    'Password of the first administrator (8 or more characters, letters and digits). Without it, the first start prints a one-time sign-in link.',
  ),
  SIGN_UP: choice(
    'Who may make an account: open (anyone), invitation, closed.\nauto: open while only this machine reaches the server (loopback, no proxy, no public PUBLIC_URL), closed otherwise. Administrators can change it later in the app.',
    ['auto', 'open', 'invitation', 'closed'],
    'auto',
  ),
  IDENTITY_SIGN_IN_LOG_MONTHS: integer('Months that the sign-in log is kept.', 6, { min: 1, max: 120 }),
}
