/** The banyan: one crown, many trunks. Takes the colour of the text around it. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="currentColor" aria-hidden="true">
      <path d="M16 4c-3.2 0-5.9 1.8-7.2 4.4C5.4 8.7 2.8 11.4 2.8 14.8 2.8 16 3.8 17 5 17h22c1.2 0 2.2-1 2.2-2.2 0-3.4-2.6-6.1-6-6.4C21.9 5.8 19.2 4 16 4z" />
      <path d="M13.4 16.5h5.2c0 4.7.6 8.3 2.4 12.3H11c1.8-4 2.4-7.6 2.4-12.3zM7.3 16.5h1.8v12.3H7.3zM22.9 16.5h1.8v12.3h-1.8z" />
    </svg>
  )
}
