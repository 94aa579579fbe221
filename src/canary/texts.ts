/**
 * What is embedded again and again where nothing else is given: texts of several languages, lengths
 * and kinds, so that a change of tokens, of a language or of a length alone is seen too. They must
 * not change: a baseline is of these texts.
 */
export const CANARIES: readonly string[] = [
  'The quick brown fox jumps over the lazy dog.',
  'refund',
  'How do I reset my password if I no longer have access to my e-mail address?',
  'Photosynthesis turns light, water and carbon dioxide into sugar and oxygen; it feeds almost everything on Earth.',
  'The two parties agree that either of them may end this contract in writing, with a notice of thirty days to the end of a month, unless a mandatory provision of law says otherwise. What was delivered before that day is to be paid within fourteen days after the invoice was received.',
  'El tren de Madrid a Barcelona sale a las siete y media de la mañana.',
  'Die Katze schläft auf dem warmen Fensterbrett, während es draußen regnet.',
  'Le médecin recommande de boire davantage d’eau pendant les fortes chaleurs.',
  'Завтра в школе будет контрольная работа по математике.',
  '图书馆星期一到星期五上午九点开门。',
  '駅まで歩いて十分ほどかかります。',
  'تقع المدينة القديمة على ضفة النهر.',
  'मुझे एक कप गरम चाय चाहिए।',
  'export function add(a: number, b: number): number {\n  return a + b;\n}',
  '{"id": 1042, "name": "desk lamp", "price": 39.9, "tags": ["light", "office"], "inStock": true}',
  "SELECT name, COUNT(*) FROM orders WHERE created_at > '2024-01-01' GROUP BY name; -- 3.14159 🙂",
];
