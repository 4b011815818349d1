import { expect, test } from 'vitest'
import { admin, makePerson } from './harness/banyan.ts'
import { signIn, signInQuietly, type Visit } from './harness/browser.ts'
import { chooseInMenu } from './harness/chat.ts'
import { useSite } from './harness/site.ts'

// The browser itself reports answers that refuse; that they are shown is what the tests look at.
const site = useSite({ mayComplain: /the server responded with a status of 4/ })

async function open(): Promise<Visit> {
  const opened = await site.open()
  return opened
}

const setPolicy = (sign_up: string) =>
  site.banyan.api('PUT', '/api/v1/identity/sign-up-policy', {
    token: site.banyan.adminToken,
    body: { sign_up },
  })

test('signing up follows the policy', async () => {
  const { page } = await open()
  await page.goto('/sign-in')
  await page.getByRole('link', { name: 'Sign up' }).click()
  await page.getByRole('heading', { name: 'Create an account' }).waitFor()
  await page.getByLabel('User name').fill('lin')
  await page.getByLabel('Password').fill('Quiet-river-0')
  await page.getByLabel('Display name').fill('林小雨')
  await page.getByRole('button', { name: 'Sign up and sign in' }).click()
  await page.getByRole('link', { name: 'New chat' }).waitFor()

  // A name that is taken does not tell more than that it did not work.
  const other = await open()
  await other.page.goto('/sign-up')
  await other.page.getByLabel('User name').fill('lin')
  await other.page.getByLabel('Password').fill('Other-river-0')
  await other.page.getByRole('button', { name: 'Sign up and sign in' }).click()
  await other.page.getByText('the user name may be taken').waitFor()

  await setPolicy('closed')
  await other.page.goto('/sign-in')
  await other.page.getByText('Sign-up is closed.').waitFor()
  await other.page.goto('/sign-up')
  await other.page.getByRole('heading', { name: 'Sign-up is closed' }).waitFor()

  await setPolicy('invitation')
  const { token } = await site.banyan.api<{ token: string }>('POST', '/api/v1/identity/invitations', {
    token: site.banyan.adminToken,
    body: { roles: ['user'], expires_in_days: 7 },
  })
  await other.page.goto(`/sign-up#invitation=${token}`)
  await other.page.reload()
  await other.page.getByLabel('User name').fill('guest')
  await other.page.getByLabel('Password').fill('Quiet-river-1')
  await other.page.getByRole('button', { name: 'Sign up and sign in' }).click()
  await other.page.getByRole('link', { name: 'New chat' }).waitFor()
  await setPolicy('open')
})

test('a wrong password is refused, the right one leads where one wanted to go', async () => {
  const person = await makePerson(site.banyan)
  const { page } = await open()
  await page.goto('/settings/tokens')
  await page.waitForURL(/\/sign-in\?next=/)
  await page.getByLabel('User name, e-mail or phone').fill(person.username)
  await page.getByLabel('Password', { exact: true }).fill('Wrong-river-1')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'API tokens', exact: true }).waitFor()
  // Signing out ends it.
  await page.getByRole('button', { name: /^Account menu of/ }).click()
  await chooseInMenu(page, 'Sign out')
  await page.waitForURL(/\/sign-in/)
  await page.goto('/chat')
  await page.waitForURL(/\/sign-in/)
})

test('a forgotten password goes through the mailbox page', async () => {
  const person = await makePerson(site.banyan)
  const { page } = await open()
  await page.goto('/forgot-password')
  await page.getByLabel('E-mail').fill(`${person.username}@example.com`)
  await page.getByRole('button', { name: 'Send the link' }).click()
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()

  const administrator = await open()
  await signInQuietly(administrator, site.banyan, admin)
  const box = administrator.page
  // The mail is sent in the background.
  const mail = box
    .getByRole('row')
    .filter({ hasText: person.username })
    .filter({ hasText: 'Set a new password' })
  await expect
    .poll(
      async () => {
        await box.goto('/admin/mailbox')
        await box.getByRole('heading', { name: 'Mailbox' }).waitFor()
        await box.getByRole('row').filter({ hasText: 'example.com' }).first().waitFor()
        return mail.count()
      },
      { timeout: 60_000 },
    )
    .toBe(1)
  await mail.click()
  const link = await box.locator('code').filter({ hasText: '/reset-password#token=' }).textContent()

  await page.goto(link ?? '')
  await page.getByLabel('New password').fill('Louder-river-9')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByRole('heading', { name: 'The password is set' }).waitFor()
  await signIn(page, person.username, 'Louder-river-9')
})

test('an API token opens the OpenAI-compatible door until it is revoked', async () => {
  const person = await makePerson(site.banyan)
  const { page, ...rest } = await open()
  await signInQuietly({ page, ...rest }, site.banyan, person)
  await page.goto('/settings/tokens')
  await page.getByRole('button', { name: 'Create a token' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('my script')
  await dialog.getByRole('button', { name: 'Create a token' }).click()
  const token = await dialog.locator('code').filter({ hasText: /^bnt_/ }).textContent()
  await page.getByRole('button', { name: 'I have saved it' }).click()
  await page.getByText('my script', { exact: true }).waitFor()
  await page.getByText(token ?? '', { exact: true }).waitFor({ state: 'detached' })

  const complete = () =>
    fetch(`${site.banyan.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake-large', messages: [{ role: 'user', content: 'Hello' }] }),
    })
  const answer = (await (await complete()).json()) as { choices: { message: { content: string } }[] }
  expect(answer.choices[0]?.message.content).toBe('You asked: Hello')

  await page.getByRole('button', { name: 'Revoke the token my script' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click()
  await page.getByText('No API tokens yet').waitFor()
  expect((await complete()).status).toBe(401)
})

test('a session that is revoked elsewhere is signed out there', async () => {
  const person = await makePerson(site.banyan)
  const here = await open()
  const there = await open()
  await signInQuietly(here, site.banyan, person)
  await signIn(there.page, person.username, person.password)
  await here.page.goto('/settings/security')
  await here.page.getByText('This device').waitFor()
  // Beside this browser's own, the one over there and the token that made the account.
  const others = here.page.getByRole('button', { name: /^Sign out .+ on .+/ })
  await others.first().click()
  await there.page.waitForURL(/\/sign-in/)
})

test('an e-mail address counts once the link in the mail was opened', async () => {
  const person = await makePerson(site.banyan)
  const email = `${person.username}@example.com`
  const { page, ...rest } = await open()
  await signInQuietly({ page, ...rest }, site.banyan, person)
  const administrator = await open()
  await signInQuietly(administrator, site.banyan, admin)
  const box = administrator.page

  /** As the administrator hands it over where no mail server is set. */
  async function linkTo(address: string): Promise<string> {
    await box.goto('/admin/mailbox')
    await box.getByRole('row').filter({ hasText: address }).first().click()
    const link = box.locator('code').filter({ hasText: '/verify-email#token=' })
    return (await link.textContent()) ?? ''
  }
  const confirm = async (link: string) => {
    await page.goto(link)
    await page.getByRole('button', { name: 'Confirm the e-mail' }).click()
  }

  // The one from signing up.
  await page.goto('/settings/profile')
  await page.getByText('Not confirmed').waitFor()
  await page.getByRole('button', { name: 'Send a confirmation mail' }).click()
  await page.getByText('The mail is on its way').waitFor()
  await confirm(await linkTo(email))
  await page.getByRole('heading', { name: 'The e-mail is confirmed' }).waitFor()
  await page.getByRole('link', { name: 'Go on' }).click()
  await page.goto('/settings/profile')
  await page.getByText('Confirmed', { exact: true }).waitFor()

  // An address that another account has is asked for like any other.
  const field = page.getByLabel('E-mail')
  await field.fill(admin.name)
  await page.getByRole('button', { name: 'Save the profile' }).click()
  await page.getByText(`Open the link in the mail to ${admin.name}`).waitFor()
  await page.getByText(`${email} stays yours`).waitFor()
  await confirm(await linkTo(admin.name))
  await page.getByText('Another account uses this').waitFor()

  const next = `new-${email}`
  await page.goto('/settings/profile')
  await field.fill(next)
  await page.getByRole('button', { name: 'Save the profile' }).click()
  await page.getByText(`Open the link in the mail to ${next}`).waitFor()
  await confirm(await linkTo(next))
  await page.getByRole('heading', { name: 'The e-mail is confirmed' }).waitFor()
  await page.goto('/settings/profile')
  await page.getByText('Confirmed', { exact: true }).waitFor()
  expect(await field.inputValue()).toBe(next)
})
