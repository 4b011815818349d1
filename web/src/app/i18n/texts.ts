/**
 * What another language must bring for the texts `T` (the zh-CN file): exactly the same keys, and beside each
 * `x_other` an `x_one` too, because Chinese has one plural form and English has two.
 *
 *     // locales/en.ts
 *     const en: SameTexts<typeof zhCN> = { … }
 */
export type SameTexts<T> = {
  [K in keyof T]: T[K] extends string ? string : SameTexts<T[K]>
} & {
  [K in keyof T as K extends `${infer Base}_other` ? `${Base}_one` : never]: string
}
