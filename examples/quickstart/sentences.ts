// Everyday sentences about twelve subjects, to embed and to find again. Written for this example.
const SUBJECTS = [
  `The kitten sleeps on the warm windowsill
Our old dog is afraid of thunder
How often should I feed a puppy?
The cat brought a mouse into the house
A rabbit needs fresh hay every day
My parrot repeats whatever I say
The vet said the horse will recover
Which fish can live together in a small tank?
Hamsters are awake at night
The stray cat came back for milk
How do I stop my dog from barking?
A tortoise can grow older than its owner`,
  `Bond yields fell after the central bank met
How much should I save for retirement?
The shares lost a tenth of their value
Interest rates are expected to rise in spring
She paid off the mortgage early
What is the difference between a loan and a credit line?
The company reported record profits
Inflation makes groceries more expensive
He sent his tax return one day too late
The exchange rate of the euro is low
An insurance pays for the broken window
Investors worry about the price of oil`,
  `Fry the onions until they are golden
How long do I boil an egg?
The bread needs another ten minutes in the oven
Add a pinch of salt to the soup
This cake is far too sweet
Which wine goes with grilled fish?
Let the dough rise in a warm place
My grandmother's recipe for apple pie
The restaurant is famous for its noodles
Peel the potatoes and cut them in half
Can I freeze cooked rice?
He burnt the toast again`,
  `The train to the coast leaves at noon
Our flight was delayed by four hours
Do I need a visa for Japan?
The hotel room overlooks the harbour
We missed the last bus and walked home
Pack warm clothes for the mountains
She lost her passport at the airport
The ferry takes cars and bicycles
Where can I rent a car for a week?
They travelled across the desert by camel
The museum is closed on Mondays
A guided tour through the old town`,
  `The program crashes when it starts
How do I reset my password?
The laptop battery is empty after an hour
Delete the file and empty the bin
A bug in the last update broke the printer
Which keyboard is best for programmers?
The server did not answer the request
Save your work before you close the window
My phone has no signal in the cellar
The database was restored from a backup
Install the new version and restart the computer
The website is slow on mobile phones`,
  `He has had a headache since yesterday
Drink plenty of water when you have a fever
The doctor prescribed antibiotics
How many hours of sleep do adults need?
She broke her arm skiing
A vaccine protects against measles
The dentist filled two teeth
Walking every day is good for the heart
My back hurts when I sit too long
The nurse changed the bandage
What helps against a sore throat?
The operation lasted three hours`,
  `It will rain all weekend
The storm tore tiles from the roof
Snow fell in the valley for the first time in years
Tomorrow will be sunny and warm
Fog on the motorway caused an accident
The river is rising after heavy rain
A cold wind blows from the north
How hot does it get there in August?
The lake froze over in January
Lightning struck the church tower
The forecast promises clear skies
After the drought the fields were brown`,
  `She plays the violin in an orchestra
The concert was sold out within minutes
He cannot sing in tune
How do I learn to read sheet music?
The drummer lost one of his sticks
An opera in three acts
Turn the radio down, please
The band recorded the album in a barn
My guitar needs new strings
They danced to an old waltz
The choir rehearses on Thursdays
A piano that has not been tuned for years`,
  `The home team scored in the last minute
How long does a marathon take?
The referee showed him a red card
She won the match in straight sets
Swimming trains every muscle
He broke the record in the long jump
The goalkeeper was injured in training
We go climbing on Sundays
The cyclists reached the finish in the rain
A new coach for the national team
What are the rules of basketball?
The stadium holds fifty thousand people`,
  `Water the tomatoes in the evening
When should roses be pruned?
Weeds grow between the stones
The apple tree is in blossom
Snails ate all of the lettuce
Plant the bulbs before the first frost
The lawn has to be mown again
A hedge keeps the wind out
Which plants grow in the shade?
Bees visit the lavender
He built a greenhouse from old windows
The compost smells after the rain`,
  `The pupils wrote a test about fractions
She studies chemistry at the university
How do I learn a language quickly?
The teacher explained it a second time
He forgot his homework on the bus
The library lends books for four weeks
Exams begin in the first week of June
A scholarship paid for her studies
The lecture starts at nine
Children learn to read in the first year
They passed the final examination
The professor answered every question`,
  `The washing machine leaks
How do I get a stain out of a carpet?
The neighbours are renovating their kitchen
We painted the bedroom blue
The heating does not work on the upper floor
The key broke off in the lock
Who repairs a roof in winter?
The sofa does not fit through the door
A lamp with a green shade
They moved into a flat on the third floor
The drain in the shower is blocked
Hang the picture above the fireplace`,
].map((sentences) => sentences.split('\n'));

/** 144 sentences, the subjects in turn. */
export const SENTENCES: readonly string[] = Array.from({ length: 12 }, (_, i) =>
  SUBJECTS.map((sentences) => sentences[i] as string),
).flat();
