/** Pieces of shell, taken into the program as text. */
declare module "*.sh" {
  const text: string;
  export = text;
}
