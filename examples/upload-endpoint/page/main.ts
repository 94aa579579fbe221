import { showBatches } from './batches.js';
import { Charts } from './charts.js';
import { byId, setText } from './dom.js';
import { startImages } from './images-form.js';
import { startReset } from './reset.js';
import { StoreState, showConnection } from './state.js';
import { listen } from './stream.js';
import { startTexts } from './texts-form.js';
import { startTheme } from './theme.js';
import { TiersBar } from './tiers.js';
import { showTiles } from './tiles.js';

const charts = new Charts();
const tiers = new TiersBar();
const store = new StoreState();
/** As the last snapshot said: another number is a reset, of this page or another. */
let resets: number | undefined;

startTheme(byId('theme'), () => charts.redraw());
const clearImages = startImages();
const clearTexts = startTexts();
startReset();
listen({
  onHello({ store: name, models, points }) {
    store.begin(name);
    setText(byId('texts-model'), models.texts);
    setText(byId('images-model'), models.images);
    charts.begin(points);
    resets = undefined;
  },
  onSnapshot(snapshot) {
    showConnection(true);
    showTiles(snapshot);
    store.show(snapshot);
    tiers.show(snapshot.tiers);
    showBatches(snapshot.batches);
    if (resets !== undefined && snapshot.resets !== resets) {
      charts.begin([]);
      clearImages();
      clearTexts();
    }
    resets = snapshot.resets;
    charts.add(snapshot.point);
  },
  onLost: () => showConnection(false),
});
